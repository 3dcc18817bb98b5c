# As settings_voc12-animals.py, without a refinement and with a round of self-training: the network
# on the labels of plain maps labels the training images, together with the saliency maps, and
# another one learns from these labels.
#     python tools/pipeline.py configs/voc12-animals/settings_voc12-animals_self-training.py \
#         --work-dir work_dirs/voc12-animals_self-training
_base_ = './settings_voc12-animals.py'

labels_from = 'plain_maps'
self_training = dict(
    rounds=1,
    flip=False,
    pseudo_labels=dict(
        background_cue=dict(type='saliency', threshold=102, maps_weight=0.5, source='CSNet'),
        threshold=0.0,
        refine=dict(type='PAR', iterations=10, downscale=2),
    ),
)
