// The floor: the page as it is without any agent.
