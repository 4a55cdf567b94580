package command

import (
	"reflect"
	"testing"
)

func TestAnAddressOfADatabaseIsNoticedWhateverItsVariable(t *testing.T) {
	t.Parallel()
	found := databaseVariables([]string{
		"MONGO_URL=mongodb://user:secret@host/db", "SCALINGO_MONGO_URL=mongodb+srv://host", "PORT=4000", "MONGODB_URI=", "DATABASE_URL=postgres://host", "odd",
	})
	if want := []string{"MONGO_URL", "SCALINGO_MONGO_URL"}; !reflect.DeepEqual(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}
