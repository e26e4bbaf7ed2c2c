"""What item types of replay segments share."""
