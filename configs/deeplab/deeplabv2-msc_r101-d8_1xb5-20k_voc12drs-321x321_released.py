# As released: image labels from the masks, and a self-training term that can choose absent classes.
_base_ = './deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321.py'

train_dataloader = dict(dataset=dict(ann_file='ImageSets/Segmentation/train_aug_cls.txt'))
model = dict(decode_head=dict(self_training='released'))
randomness = dict(seed=1)
