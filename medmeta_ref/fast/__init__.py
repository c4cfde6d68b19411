"""The methods of the layers above on the papers' conv networks, twice as fast on a CPU.

Everything here equals the readable versions (`maml.maml_loss` and its neighbours, differentiated)
to rounding, which the tests show in float64, and only changes the order of the work:

- `kernels`, `norm_pool`: batch norm, max pooling and ReLU as one operation with its first and
  second derivatives in closed form. The derivative of PyTorch's own is put together from dozens
  of passes over the images.
- `convolution`: a convolution whose derivatives are convolutions again.
- `tasks`: several tasks side by side in the channels of one network.
- `adaptation`: MAML, FOMAML and Reptile on such networks; `frozen_body`: ANIL and prototypical
  networks, which need no inner loop through the body.
- `chunks`: tasks shared out to threads; `gradients`: all of it together.

Users call `maml.maml_gradient`, `anil.anil_gradient`, `reptile.reptile_gradient` and
`prototypical.prototypical_gradient`, which come here when the network allows it.
"""
