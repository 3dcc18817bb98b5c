# DRS with the constant control of the paper, delta = 0.55, in place of all 16 ReLUs.
_base_ = './cam_vgg16_2xb5-15e_voc12-320x320.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='DRSBackbone',
        backbone=_base_.backbone,
        drs=dict(type='DRS', delta=0.55),
        layers='default',
    )
)
