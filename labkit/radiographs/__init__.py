"""Radiographs: what a folder holds, which report an image belongs to, and its pixels, ready for a network.

    index(folder)            one row per file, with the reason where it cannot be used
    link(reports, images)    studies and their images by view, with the reason where something is left out
    read(path)               one image as it is meant to be seen
    build_cache(images)      every image once at training size, memory-mapped
    name_views(images)       the view of each image and the rule that gave it
    measure(images, folder)  what image analysis tells of views, where a rule asks for it
    browse(images, ...)      leaf through them and zoom, in JupyterLab
    contact_sheet(images)    examples of each site and view, and of what was left out, for a page
    duplicates(images, ...)  copies of images, and whether patients or splits share them

Names are looked up when used: decoding processes import this package and must not wait for pandas.
"""

from importlib import import_module

__all__ = [
    "DEFAULT_VIEW_RULES",
    "RADIOGRAPH_MODALITIES",
    "Cache",
    "IndexRules",
    "Linked",
    "Preparation",
    "ViewRule",
    "browse",
    "build_cache",
    "contact_sheet",
    "copies_by_reach",
    "duplicates",
    "index",
    "link",
    "measure",
    "name_views",
    "near_duplicates",
    "read",
]

_HOMES = {
    "rules": ("DEFAULT_VIEW_RULES", "RADIOGRAPH_MODALITIES", "IndexRules", "Preparation", "ViewRule"),
    "browser": ("browse",),
    "cache": ("Cache", "build_cache"),
    "indexing": ("index",),
    "linking": ("Linked", "link"),
    "measuring": ("measure",),
    "near": ("copies_by_reach", "duplicates", "near_duplicates"),
    "sheet": ("contact_sheet",),
    "viewing": ("name_views",),
    "pixels": ("read",),
}


def __getattr__(name: str):
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
