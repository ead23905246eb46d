"""What becomes of a model's answers: pictures drawn, COCO's results, videos, tiles joined."""
