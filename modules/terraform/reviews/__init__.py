"""What a review looks at, a module a subject. `modules/terraform/review.py` puts the checks together."""
