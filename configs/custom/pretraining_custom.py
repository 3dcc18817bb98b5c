# A plain classifier from scratch, in the role of ImageNet weights: only where there are none.
_base_ = './plain-classifier_custom.py'

epochs = _base_.pretraining_epochs
train_cfg = dict(max_epochs=epochs)
optim_wrapper = dict(optimizer=_base_.pretraining_optimizer)
param_scheduler = _base_.pretraining_schedule
