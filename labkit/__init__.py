"""From free-text radiology reports to verified labels, image classifiers and publishable reports.

params, layout, templates           the choices of a study, its paths, its findings
tables, contracts                   what every file holds, checked when written and read
delimited, corpus, cohort           reports and radiographs as hospitals have them, linked
identities                          whom their columns and headers name
synthetic                           a cohort with a known truth, for the demonstration and the tests
extraction, deidentification        labels from texts, by rules or a model; no name leaves the house
hardware, certainty, yaml_model     metal or a cast, how sure a hedge is; files users edit
verification                        readings by people, and how right the labels are
radiographs                         DICOM folders to arrays
splits, policies, training, seeds   patients, what training makes of doubt, networks
evaluation, figures                 numbers with intervals, then ink
manuscript                          tables, methods and checklists for the paper
silent                              widgets whose content no saved notebook holds
run, cli                            notebooks as a restartable workflow; the command `labkit`
"""

__version__ = "0.1.0"
