package command

import "strings"

// databaseVariables are the variables of an environment that name a database of the
// replaced service, which nothing reads here: whoever left them there may believe that
// the old counts are in use. The value is a secret and stays out.
func databaseVariables(environment []string) (found []string) {
	for _, entry := range environment {
		variable, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(value, "mongodb://") || strings.HasPrefix(value, "mongodb+srv://") {
			found = append(found, variable)
		}
	}
	return found
}
