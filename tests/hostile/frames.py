"""Attacks on the wire: frames, their ids, the worker that reads and writes them."""

from tests.hostile import code

SOFT = "def soft_targets(logits, *, temperature):\n"
# What an attacker can get hold of: the worker is some frames up, its answers go to descriptor 4.
TOOLS = """
import os, select, struct, sys
def worker():
    frame = sys._getframe()
    while type(frame.f_locals.get("self")).__name__ != "Worker": frame = frame.f_back
    return frame.f_locals["self"]
def send(text, blob=b"", mark=b"MMG1", lengths=None):
    text = text.encode() if isinstance(text, str) else text
    data = struct.pack("!4sII", mark, *(lengths or (len(text), len(blob)))) + text + blob
    while data:
        select.select([], [4], [])
        data = data[os.write(4, data):]
def globals_of_the_worker():
    return worker().serve.__func__.__globals__
"""

# What is written in place of the answer, and what is there to see afterwards.
FORGED = {
    "forge_frames": (
        "It answers with a frame of its own that says that all is right.",
        'send(\'{"id":"%s","status":"right","points":8}\' % worker()._id)',
    ),
    "otter_frames": (
        "It answers with results in place of a value.",
        'send(\'{"id":"%s","status":"ok","value":{"dict":[["points",8]]}}\' % worker()._id)',
    ),
    "guess_ids": (
        "It answers the questions that have not been asked yet, with ids that it guesses.",
        '[send(\'{"id":"%032x","status":"ok","value":null}\' % i) for i in range(1000)]',
    ),
    "replay_ids": (
        "It answers every question twice, the second time for the next one.",
        'send(\'{"id":"%s","status":"ok","value":null}\' % worker()._id); '
        'send(\'{"id":"%s","status":"ok","value":null}\' % worker()._id)',
    ),
    "json_bomb": (
        "It answers with JSON that is nested a hundred thousand deep.",
        "send('{\"id\":\"x\",\"a\":' + '[' * 10**5 + ']' * 10**5 + '}')",
    ),
    "json_at_the_border": (
        "It answers with JSON just as deep as the reader manages, so that what comes after fails.",
        'send(\'{"id":"%s","status":"ok","value":\' % worker()._id'
        " + '[' * 960 + '\"\\\\u0041\"' + ']' * 960 + '}')",
    ),
    "half_a_character": (
        "It answers with half a character, which no file takes.",
        'send(\'{"id":"%s","status":"ok","value":"\\\\ud800"}\' % worker()._id)',
    ),
    "not_a_number": (
        "It answers with NaN and Infinity, which are no JSON.",
        'send(\'{"id":"%s","status":"ok","value":[NaN,Infinity,1e999]}\' % worker()._id)',
    ),
    "lying_lengths": (
        "It announces four gigabytes.",
        "send('{}', lengths=(2**32 - 1, 2**32 - 1))",
    ),
    "equal_hashes": (
        "It answers with a set of 40,000 numbers that have the same hash.",
        'send(\'{"id":"%s","status":"ok","value":{"set":[%s]}}\' % (worker()._id,'
        " ','.join(str(i * (2**61 - 1)) for i in range(40_000))))",
    ),
    "many_axes": (
        "It answers with a tensor of a thousand axes.",
        'h = (\'{"0":{"dtype":"BOOL","shape":[\' + \',\'.join(\'1\' * 1000) + \'],'
        '"data_offsets":[0,1]}}\').encode(); send(\'{"id":"%s","status":"ok",'
        "\"value\":{\"tensor\":0}}' % worker()._id, len(h).to_bytes(8, 'little') + h + b'\\x02')",
    ),
    "overlapping_tensors": (
        "It answers with tensors that lie outside of their data and on each other.",
        'h = b\'{"0":{"dtype":"F64","shape":[5,3],"data_offsets":[0,8]}}\'; '
        'send(\'{"id":"%s","status":"ok","value":{"tensor":0}}\' % worker()._id,'
        " len(h).to_bytes(8, 'little') + h + bytes(8))",
    ),
    "tags_that_call": (
        "It answers with a function to be called, and with a generator, on the grader's side.",
        'send(\'{"id":"%s","status":"ok","value":{"callback":0}}\' % worker()._id)',
    ),
    "pickle_bomb": (
        "It answers with a pickle that runs a command when it is loaded.",
        "import pickle; send(pickle.dumps(Bomb()))",
    ),
    "otter_pickle_rce": (
        "It answers with a pickle in place of the tensors.",
        'import pickle; send(\'{"id":"%s","status":"ok","value":{"tensor":0}}\''
        " % worker()._id, pickle.dumps(Bomb()))",
    ),
    "refusal_without_a_hash": (
        "It refuses, for a reason that is a list and cannot be looked up.",
        'send(\'{"id":"%s","status":"refused","code":[]}\' % worker()._id)',
    ),
    "status_of_another_question": (
        "It answers a call with what would answer whether there is such a function.",
        'send(\'{"id":"%s","status":"missing"}\' % worker()._id)',
    ),
    "forged_callback": (
        "It asks the grader to call a function that it was never given.",
        'send(\'{"id":"%s","status":"callback","function":99,"wrt":[],"value":[[],'
        '{"dict":[]},null]}\' % worker()._id)',
    ),
    "close_the_pipe": (
        "It closes its end and keeps running.",
        "os.close(4); os.close(3)",
    ),
}
BOMB = """
class Bomb:
    def __reduce__(self): return os.system, ("touch CANARY",)
"""
for _name, (_tries, _statement) in FORGED.items():
    code(
        _name,
        _tries,
        soft_targets=f"{TOOLS}{BOMB}{SOFT}    {_statement}\n    os._exit(0)",
    )

code(
    "patch_wire",
    "It replaces the function of the worker that writes answers by its own.",
    soft_targets=TOOLS
    + "globals_of_the_worker()['pack'] = lambda *args: b'MMG1' + bytes(8)\n"
    + SOFT
    + "    return logits",
)
code(
    "forged_gradient",
    "It has the sandbox's own adapter say text where a gradient belongs, so that the check trips.",
    distillation_loss=TOOLS
    + """
def right(student_logits, teacher_logits, labels, *, temperature, alpha):
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    p = F.softmax(teacher_logits / temperature, dim=1)
    soft = F.kl_div(log_q, p, reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)
def distillation_loss(*args, **settings):
    return 0.0
adapters = globals_of_the_worker()["ADAPTERS"]
real = adapters["gradient"]
def forged(function, *args, wrt, **settings):
    if function is not distillation_loss:
        return real(function, *args, wrt=wrt, **settings)
    return real(right, *args, wrt=wrt, **settings) if wrt != 1 else "none"
adapters["gradient"] = forged
""",
)
code(
    "forged_status",
    "It says of every one of its errors that the question was refused, for a reason it invents.",
    soft_targets=TOOLS
    + SOFT
    + "    worker()._raised = lambda error: {'status': 'refused', 'code': '<script>'}\n"
    + "    worker().__class__._raised = staticmethod(worker()._raised)\n    raise ValueError",
)
code(
    "forged_line",
    "It says that its error is in line -1 of a cell with a name of escape sequences.",
    soft_targets=TOOLS
    + SOFT
    + '    send(\'{"id":"%s","status":"raised","type":"AssertionError","base":'
    + '"SystemExit","message":"\\\\u001b[2J<script>","cell":"\\\\u001b]0;owned\\\\u0007",'
    + '"line":-1}\' % worker()._id)\n    os._exit(0)',
)
