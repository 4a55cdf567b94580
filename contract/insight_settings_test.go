package contract

import (
	"net/http"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// insightSettings are the rows of allSettings about /insight.
func insightSettings(t *testing.T) []setting {
	t.Helper()
	labels := "\ufeffgroup;id;label;type\r\nCAF;RSA;Revenu de solidarité active;national\r\n"
	return []setting{
		{variable: "INSIGHT", preset: `"on"`, value: "off", other: "on", with: []string{"ADMIN_ADDR=127.0.0.1:0"}, shows: hidesInsight, bad: []string{"maybe", ""}},
		{variable: "STAGES", preset: "those of the contract", value: "opened:form", other: "acted:close", shows: opensByForm,
			bad: []string{"opened", "seen:a", "opened:a;opened:b", "opened:", "opened:a;acted:a"}},
		{variable: "LABELS_FILE", preset: "none", value: listOf(t, labels), other: "/nowhere", shows: knowsALabel,
			bad: []string{"/nowhere", "/", listOf(t, "name\nx\n"), listOf(t, "id\n\xff\n"), listOf(t, "{")}},
		{variable: "INSIGHT_CACHE_BYTES", preset: "by the memory", value: "1000", other: "33554432", shows: answersInsight,
			bad: []string{"0", "-1", "32MiB"}},
	}
}

func hidesInsight(t *testing.T, p *blackbox.Program) {
	p.Get(t, "/insight/benefits").ExpectMessage(t, http.StatusNotFound)
	response, err := http.Get("http://" + p.Await(t, "listening").Text(t, "admin") + "/Insight/benefits/?limit=1")
	if err != nil {
		t.Fatal(err)
	}
	if got := blackbox.ReadReply(t, response); got.Status != http.StatusOK || !strings.HasPrefix(got.Body, `{"window":`) {
		t.Errorf("at the admin address it is %d %.100s, want the table", got.Status, got.Body)
	}
}

func opensByForm(t *testing.T, p *blackbox.Program) {
	p.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), blackbox.Record(blackbox.Fields{"event_type": `"form"`}),
		blackbox.Record(blackbox.Fields{"event_type": `"showDetails"`})))
	got := p.Get(t, "/insight/funnel?group_by=total")
	got.ExpectStatus(t, http.StatusOK)
	if want := `{"shown":1,"opened":1,"acted":0,"open_rate":1,"act_rate":0,"outside":{"showDetails":1}}`; !strings.Contains(got.Body, want) {
		t.Errorf("the funnel is %s, want %s in it", got.Body, want)
	}
}

func knowsALabel(t *testing.T, p *blackbox.Program) {
	p.Created(t, blackbox.RecordOf("RSA"))
	got := p.Get(t, "/insight/benefits?group=CAF")
	got.ExpectStatus(t, http.StatusOK)
	if want := `{"id":"RSA","label":"Revenu de solidarité active","group":"CAF","type":"national","shows":1,`; !strings.Contains(got.Body, want) {
		t.Errorf("the table is %s, want %s in it", got.Body, want)
	}
}

func answersInsight(t *testing.T, p *blackbox.Program) {
	p.Created(t, blackbox.RecordOf("RSA"))
	p.Get(t, "/insight/benefits").ExpectStatus(t, http.StatusOK)
	p.Created(t, blackbox.RecordOf("APL"))
	p.Get(t, "/insight/benefits").ExpectStatus(t, http.StatusOK)
}
