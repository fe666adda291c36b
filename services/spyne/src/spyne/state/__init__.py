"""What Spyne itself keeps: databases, clarification sessions, history, saved queries and feedback."""
