"""The screens of the made-up app: their layout, and the pictures that leave the phone."""
