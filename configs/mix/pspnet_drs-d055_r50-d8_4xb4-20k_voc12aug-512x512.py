# MMSegmentation's PSPNet with DRS in its backbone, trained on masks.
_base_ = 'mmseg::pspnet/pspnet_r50-d8_4xb4-20k_voc12aug-512x512.py'

custom_imports = dict(imports=['mmdrs'], allow_failed_imports=False)
model = dict(
    pretrained=None,  # the segmentor would hand it to DRSBackbone; it belongs to the inner one
    backbone=dict(
        _delete_=True,
        type='DRSBackbone',
        backbone=dict(
            _base_.model.backbone,
            init_cfg=dict(type='Pretrained', checkpoint=_base_.model.pretrained),
        ),
        drs=dict(type='DRS', delta=0.55),
        layers='default',
    ),
)
randomness = dict(seed=0)
