# As settings_voc12-animals.py, without saliency maps: a foreground that is learned from the plain
# maps takes their place.
#     mmdrs run configs/voc12-animals/settings_voc12-animals_no-saliency.py \
#         --work-dir work_dirs/voc12-animals_no-saliency
_base_ = './settings_voc12-animals.py'

saliency_dir = None
labels_from = 'plain_maps'
foreground_size = 385
pseudo_labels = dict(
    _delete_=True,
    background_cue=dict(type='saliency', threshold=153, refined=True),
    threshold=0.05,
    refine=dict(type='PAR', iterations=10, downscale=2),
)
stages = dict(foreground='mmdrs::custom/foreground_custom.py')
