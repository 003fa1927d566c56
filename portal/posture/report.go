package posture

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// MaxReport is how many bytes a signed report has at most.
const MaxReport = 64 << 10

// context keeps a signature over a report from being one over anything else.
const context = "sallyport posture report v1\x00"

// Report is what a device says of itself. A device signs it with a key that was made on it and has never left.
type Report struct {
	Device  portal.DeviceID `json:"device"`
	Nonce   string          `json:"nonce"`   // that the portal gave with its last answer
	Counter uint64          `json:"counter"` // one more with each report
	At      time.Time       `json:"at"`      // by the device's clock; decides nothing, and is compared
	Machine string          `json:"machine"` // hash of what identifies the machine, "" when nothing does
	Version string          `json:"version"` // of the program
	Facts   []ReportedFact  `json:"facts"`
}

// ReportedFact is a fact as a report has it: a value, or why it is unknown.
type ReportedFact struct {
	Name    string `json:"name"`
	Value   *Value `json:"value,omitempty"`
	Unknown string `json:"unknown,omitempty"` // why
	Detail  string `json:"detail,omitempty"`  // on what the value rests
}

// Signed is a report as it is sent: the bytes that were signed, and the signature over them.
type Signed struct {
	Payload   []byte `json:"payload"`   // base64 of a Report's JSON
	Signature []byte `json:"signature"` // base64 of Ed25519's 64 bytes
}

// Errors of reports.
var (
	ErrReport    = &portal.Error{Kind: portal.Invalid, Code: "posture_report", Msg: "This is not a report of the posture program."}
	ErrSignature = &portal.Error{Kind: portal.Unauthenticated, Code: "posture_signature", Msg: "The report is not signed with this device's key. Enrol the posture program again."}
)

// Sign makes a report ready to send.
func Sign(r Report, key ed25519.PrivateKey) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	b, err := json.Marshal(Signed{payload, ed25519.Sign(key, message(payload))})
	if err == nil && len(b) > MaxReport {
		err = errors.New("the report is too large")
	}
	return b, err
}

func message(payload []byte) []byte { return append([]byte(context), payload...) }

// DecodeSigned reads what Sign made, without believing any of it.
func DecodeSigned(b []byte) (Signed, error) {
	var s Signed
	if len(b) > MaxReport || strict(b, &s) != nil || len(s.Signature) != ed25519.SignatureSize || len(s.Payload) == 0 {
		return Signed{}, ErrReport
	}
	return s, nil
}

// Claims reads which device a report says that it is of. Nothing is proved by it: it says whose key to verify with.
func (s Signed) Claims() (portal.DeviceID, error) {
	var r struct {
		Device portal.DeviceID `json:"device"`
	}
	if json.Unmarshal(s.Payload, &r) != nil || r.Device == "" {
		return "", ErrReport
	}
	return r.Device, nil
}

// Open verifies the signature, and only then reads the report. It returns ErrSignature or ErrReport.
func (s Signed) Open(key ed25519.PublicKey) (Report, error) {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, message(s.Payload), s.Signature) {
		return Report{}, ErrSignature
	}
	var r Report
	if err := json.Unmarshal(s.Payload, &r); err != nil { // fields that we do not know are a newer program's
		return Report{}, ErrReport
	}
	if err := r.check(); err != nil {
		e := *ErrReport
		e.Fields = []portal.Field{{Path: "/payload", Code: "malformed", Msg: err.Error()}}
		return Report{}, &e
	}
	return r, nil
}

// Digest names a report; no two have the same.
func (s Signed) Digest() string {
	sum := sha256.Sum256(s.Payload)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// check says what is wrong with a report's content.
func (r Report) check() error {
	if r.Counter == 0 || r.Device == "" {
		return errors.New("a report has a device and a counter")
	}
	for _, s := range []string{string(r.Device), r.Nonce, r.Machine, r.Version} {
		if err := checkText(s); err != nil {
			return err
		}
	}
	if len(r.Facts) > MaxFacts {
		return fmt.Errorf("a report has at most %d facts", MaxFacts)
	}
	seen := make(map[string]bool, len(r.Facts))
	for _, f := range r.Facts {
		if seen[f.Name] {
			return fmt.Errorf("%s: twice", f.Name)
		}
		seen[f.Name] = true
		if err := f.check(); err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
	}
	return nil
}

func (f ReportedFact) check() error {
	if err := CheckName(f.Name); err != nil {
		return err
	}
	if (f.Value == nil || !f.Value.Valid()) == (f.Unknown == "") {
		return errBoth
	}
	if f.Value != nil {
		if err := checkText(f.Value.text); err != nil {
			return err
		}
	}
	if err := checkText(f.Unknown); err != nil {
		return err
	}
	return checkText(f.Detail)
}

// Fact is the reported fact as it is kept; at is the portal's time.
func (f ReportedFact) Fact(at time.Time) Fact {
	kept := Fact{Name: f.Name, Why: f.Detail, Source: FromProgram, At: at}
	if f.Value != nil {
		kept.Value = *f.Value
	} else {
		kept.Why = f.Unknown
	}
	return kept
}
