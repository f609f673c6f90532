"""The protocol of steps that several tasks share: state machines that are told of events and say what to send and run."""
