package service

// reservedDescriptors are for files: journals, snapshots, closed days.
const reservedDescriptors = 128

// withinDescriptors lowers the number of connections to what the process may
// have open beside its files, so that clients cannot keep it from saving.
func (c Config) withinDescriptors() Config {
	most, known := maxDescriptors()
	if !known {
		return c
	}
	if room := most - min(reservedDescriptors, most/2); room < uint64(c.Bounds.Connections) {
		c.Logger.Warn("MAX_CONNECTIONS is more than the open files that the system allows leave room for, so it is lowered",
			"max_connections", c.Bounds.Connections, "lowered_to", room, "open_files", most)
		c.Bounds.Connections = int(room)
	}
	return c
}
