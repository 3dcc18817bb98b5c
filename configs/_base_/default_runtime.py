_base_ = './runtime.py'

custom_imports = dict(imports=['mmdrs'], allow_failed_imports=False)
