"""Wrong answers to unit 00."""

from tests.wrong_answers import wrong

MEAN = "test_mean_is_over_all_pixels"
STD = "test_standard_deviation_is_over_all_pixels"
LESS = "test_is_the_images_less_mean_over_std"


@wrong("00.mean_std", STD, says="take all pixels together")
def image_by_image(images):
    """The images' own standard deviations, averaged."""
    return images.mean(), images.std((1, 2), correction=0).mean()


@wrong("00.mean_std", STD, says="correction=0")
def less_one(images):
    """torch's default."""
    return images.mean(), images.std()


@wrong("00.mean_std", STD, says="variance")
def variance(images):
    """The root is forgotten."""
    return images.mean(), images.var(correction=0)


@wrong("00.mean_std", MEAN, STD, says="the mean comes first")
def swapped(images):
    """Standard deviation first."""
    return images.std(correction=0), images.mean()


@wrong("00.mean_std", MEAN, STD, says="Shape () was expected")
def a_number_per_image(images):
    """Per image in place of per data set."""
    return images.mean((1, 2)), images.std((1, 2), correction=0)


@wrong("00.mean_std", MEAN, STD, says="Two numbers were expected")
def only_the_mean(images):
    """Half of it."""
    return images.mean()


@wrong("00.mean_std", MEAN, says="the first image only")
def first_image(images):
    """The mean of one image."""
    return images[0].mean(), images.std(correction=0)


@wrong("00.standardise", LESS, says="each image's own mean")
def own_numbers(images, mean, std):
    """Every image by itself."""
    own, spread = (
        images.mean((1, 2), keepdim=True),
        images.std((1, 2), keepdim=True, correction=0),
    )
    return (images - own) / spread


@wrong("00.standardise", LESS, says="those of the *training* images")
def numbers_of_the_test(images, mean, std):
    """The statistics of the images at hand."""
    return (images - images.mean()) / images.std(correction=0)


@wrong("00.standardise", LESS, says="divided too early")
def no_brackets(images, mean, std):
    """Precedence."""
    return images - mean / std


@wrong("00.standardise", LESS, says="divide by it")
def multiplied(images, mean, std):
    """The wrong way round."""
    return (images - mean) * std


@wrong("00.standardise", LESS, says="subtract it")
def added(images, mean, std):
    """A sign."""
    return (images + mean) / std


@wrong("00.standardise", LESS, says="by the variance")
def by_the_variance(images, mean, std):
    """A square too many."""
    return (images - mean) / std**2
