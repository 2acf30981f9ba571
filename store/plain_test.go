package store

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// Each field of Account, filled, takes the short way and comes back.
func TestPlainAccount(t *testing.T) {
	at := time.Date(2027, 1, 31, 12, 0, 0, 5000, time.UTC)
	var full Account
	fields := reflect.ValueOf(&full).Elem()
	for i := range fields.NumField() {
		switch field := fields.Field(i); field.Interface().(type) {
		case string:
			field.SetString("…value " + fields.Type().Field(i).Name)
		case bool:
			field.SetBool(true)
		case time.Time:
			field.Set(reflect.ValueOf(at))
		default:
			t.Fatalf("plainAccount knows no %s", field.Type())
		}
	}
	for name, a := range map[string]Account{"full": full, "least": {Name: "default", Kind: "api-token", Backend: "file", Created: at}} {
		var line bytes.Buffer
		if err := encode(&line, a, nil); err != nil {
			t.Fatal(err)
		}
		got, ok := plainAccount(bytes.TrimSpace(line.Bytes()))
		if !ok || !reflect.DeepEqual(got, a) {
			t.Errorf("%s: %v, %+v, want %+v", name, ok, got, a)
		}
	}
}

func TestPlainAccountLeavesToJSON(t *testing.T) {
	for _, line := range []string{
		``, `{`, `{}`, `{"account"}`, `{"account":}`, `{"account":"a"`, `{"account":"a"}}`, `{"account":"a",}`, `{"account":"a"}x`,
		`{"account":"a\u0062"}`, `{"account": "a"}`, `{"account":"a","later":"b"}`, `{"account":"a","default":false}`,
		`{"account":"a","created":"yesterday"}`, "{\"account\":\"a\tb\"}", "{\"account\":\"\xff\"}", `{"Account":"a"}`, `{"account":"a""kind":"b"}`,
		`{"account":true}`, `{"default":"yes"}`, `["account"]`,
	} {
		if a, ok := plainAccount([]byte(line)); ok {
			t.Errorf("%s: %+v", line, a)
		}
	}
}

// What plainAccount decodes, json decodes to the same.
func FuzzPlainAccount(f *testing.F) {
	f.Add([]byte(`{"account":"a","kind":"api-token","hint":"…abcd","created":"2027-01-31T12:00:00.5Z","default":true}`))
	f.Add([]byte(`{"account":"a","account":"b","guessed":true}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := plainAccount(line)
		if !ok {
			return
		}
		var want Account
		if err := json.Unmarshal(line, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, json has %+v, %v", line, got, want, err)
		}
	})
}
