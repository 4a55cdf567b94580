package natslog

// HighestHeader is highestHeader, for tests that store messages themselves.
const HighestHeader = highestHeader
