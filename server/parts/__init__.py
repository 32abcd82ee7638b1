"""Parts marked by hand: answers, whose turn it is, rubrics and marks. What they make of a grade is
`server.grades`' to say."""
