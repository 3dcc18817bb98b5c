# A plain classifier from scratch, in the role of ImageNet weights: only where there are none. Name
# it in `stages` of the settings, which may then also hold these three keys.
_base_ = './plain-classifier_custom.py'

epochs = _base_.get('pretraining_epochs', 30)
train_cfg = dict(max_epochs=epochs)
optim_wrapper = dict(optimizer=_base_.get('pretraining_optimizer', dict(lr=0.01)))
param_scheduler = _base_.get('pretraining_schedule', [])
