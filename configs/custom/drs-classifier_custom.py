# The classifier with DRS in its backbone and its head.
_base_ = './plain-classifier_custom.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='DRSBackbone',
        backbone=_base_.backbone,
        drs=_base_.drs,
        layers=_base_.drs_layers,
    ),
    decode_head=dict(drs=_base_.head_drs),
)
custom_hooks = _base_.drs_custom_hooks
