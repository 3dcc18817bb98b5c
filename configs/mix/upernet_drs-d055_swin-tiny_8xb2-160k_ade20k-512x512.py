# MMSegmentation's UPerNet on Swin-T with DRS in its backbone, trained on masks.
_base_ = 'mmseg::swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py'

custom_imports = dict(imports=['mmdrs'], allow_failed_imports=False)
model = dict(
    backbone=dict(
        _delete_=True,
        type='DRSBackbone',
        backbone=_base_.model.backbone,
        drs=dict(type='DRS', delta=0.55),
        layers='default',
    ),
)
randomness = dict(seed=0)
