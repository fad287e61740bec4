"""What `propose` is made of: records, commits, the pull request, the dashboard."""
