"""Where topics are found and read: a reference folder's files, and the lessons beside them."""
