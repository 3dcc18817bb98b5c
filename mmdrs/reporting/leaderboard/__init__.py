"""Our records ranked among published results."""
