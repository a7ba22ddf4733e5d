"""stub"""


def of_params(paths):
    raise NotImplementedError
