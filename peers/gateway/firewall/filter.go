package firewall

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/nftables"

	"github.com/sallyport/sallyport/portal"
)

// DefaultTable is the table's name where nothing else is said. Its family is inet.
const DefaultTable = "sallyport"

// Filter is a gateway.Filter in the kernel. Fill the exported fields. One goroutine at a time may use it.
type Filter struct {
	Table     string   // "inet TABLE" is ours alone
	Interface string   // of the tunnel; it need not exist yet
	More      []string // interfaces of other tunnels, with devices of the same pools
	Captive   uint16   // port of the page that quarantined devices see over plain HTTP, on the gateway's own addresses; 0: there is none
	Log       *slog.Logger

	conn       *nftables.Conn // nil until needed, and after an error
	adopted    bool           // numbers and generation are known
	numbers    numbers
	sides      sides // as in the table
	generation uint32
	watch      watch
}

// numbers gives each signature a number that is small and its own.
type numbers struct {
	by   map[portal.SignatureID]uint32
	free []uint32
	next uint32
}

func (n *numbers) of(id portal.SignatureID) uint32 {
	if x, ok := n.by[id]; ok {
		return x
	}
	var x uint32
	if last := len(n.free) - 1; last >= 0 {
		x, n.free = n.free[last], n.free[:last]
	} else {
		n.next++
		x = n.next
	}
	n.by[id] = x
	return x
}

func (n *numbers) release(id portal.SignatureID) {
	if x, ok := n.by[id]; ok {
		delete(n.by, id)
		n.free = append(n.free, x)
	}
}

// Sync makes the table exactly what want says at now. A table whose chains differ is replaced whole, in one transaction; sets are
// repaired element by element. Flows that are allowed survive both.
func (f *Filter) Sync(ctx context.Context, want portal.Desired, now time.Time) (repaired int, err error) {
	if err := f.open(); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			f.drop()
		}
	}()
	f.watch.begin()
	have, err := f.list()
	if err != nil {
		return 0, err
	}
	if err := f.adopt(have, want); err != nil {
		return 0, err
	}
	for id := range f.numbers.by {
		if _, wanted := want.Signatures[id]; !wanted {
			f.numbers.release(id)
		}
	}
	m := f.build(want, now)
	differing, err := differences(have, m)
	if err != nil {
		return 0, err
	}
	if differing > 0 {
		f.nextGeneration()
		f.Log.InfoContext(ctx, "write the nftables table anew", "table", f.Table, "differences", differing)
		return differing, f.replace(have, f.build(want, now))
	}
	return f.syncElements(have, m)
}

// differences counts chains and sets that are not as the model has them.
func differences(have listing, m model) (int, error) {
	n := 0
	for name, c := range m.chains {
		h, there := have.chains[name]
		same, err := sameRules(have.tags[name], c.rules)
		if err != nil {
			return 0, err
		}
		if !there || !same || !have.sound[name] || !sameHook(h, c.hook) {
			n++
		}
	}
	for name := range have.chains {
		if _, wanted := m.chains[name]; !wanted {
			n++
		}
	}
	for name, s := range m.sets {
		h, there := have.sets[name]
		if !there || !sameShape(h, s.shape.set(h.Table, name)) {
			n++
		}
	}
	for name := range have.sets {
		if _, wanted := m.sets[name]; !wanted {
			n++
		}
	}
	return n, nil
}

func sameHook(a, b *hook) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func sameShape(a, b *nftables.Set) bool {
	if a.IsMap != b.IsMap || a.Interval != b.Interval || a.KeyType.Bytes != b.KeyType.Bytes {
		return false
	}
	return !a.IsMap || isVerdict(a) == isVerdict(b) && (isVerdict(a) || a.DataType.Bytes == b.DataType.Bytes)
}

// isVerdict reports whether a map leads to verdicts. The kernel says no length for those.
func isVerdict(s *nftables.Set) bool {
	return s.IsMap && s.DataType.GetNFTMagic() == nftables.TypeVerdict.GetNFTMagic()
}

func sameRules(tags []string, rules []rule) (bool, error) {
	if len(tags) != len(rules) {
		return false, nil
	}
	for i, r := range rules {
		tag, err := r.tag()
		if err != nil {
			return false, err
		}
		if tags[i] != tag {
			return false, nil
		}
	}
	return true, nil
}

// replace writes the whole table in one transaction.
func (f *Filter) replace(have listing, m model) error {
	if have.there {
		f.conn.DelTable(f.table())
	}
	f.conn.AddTable(f.table())
	for _, name := range sortedKeys(m.sets) {
		if err := f.addSet(name, m.sets[name].shape); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(m.chains) {
		f.addChain(name, m.chains[name].hook)
	}
	for _, name := range sortedKeys(m.chains) {
		if err := f.addRules(name, m.chains[name].rules); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(m.sets) {
		if err := f.addElements(m.sets[name].shape, name, m.sets[name].elems); err != nil {
			return err
		}
	}
	if err := f.commit(); err != nil {
		return fmt.Errorf("write table %s: %w", f.Table, err)
	}
	return nil
}

// syncElements repairs what the sets hold, in one transaction.
func (f *Filter) syncElements(have listing, m model) (int, error) {
	n := 0
	for name, s := range m.sets {
		got, err := f.elements(have.sets[name])
		if err != nil {
			return 0, err
		}
		gone, missing := map[elem]string{}, map[elem]string{}
		for k, v := range got {
			if s.elems[k] != v || !has(s.elems, k) {
				gone[k] = v
			}
		}
		for k, v := range s.elems {
			if got[k] != v || !has(got, k) {
				missing[k] = v
			}
		}
		if err := f.deleteElements(s.shape, name, gone); err != nil {
			return 0, err
		}
		if err := f.addElements(s.shape, name, missing); err != nil {
			return 0, err
		}
		n += max(len(gone), len(missing))
	}
	if n == 0 {
		return 0, nil
	}
	f.nextGeneration()
	if err := f.writeGeneration(); err != nil {
		return 0, err
	}
	if err := f.commit(); err != nil {
		return 0, fmt.Errorf("repair table %s: %w", f.Table, err)
	}
	return n, nil
}

func has[K comparable, V any](m map[K]V, k K) bool {
	_, ok := m[k]
	return ok
}

// adopt takes numbers and generation from a table that an earlier process left, so that it can be compared instead of written anew.
func (f *Filter) adopt(have listing, want portal.Desired) error {
	if f.adopted {
		return nil
	}
	f.numbers = numbers{by: map[portal.SignatureID]uint32{}}
	f.generation = have.generation
	if f.generation == 0 {
		f.generation = rand.Uint32() | 1
	}
	s, there := have.sets[mapSignatures]
	if there && sameShape(s, numberVerdict.set(s.Table, s.Name)) {
		elems, err := f.elements(s)
		if err != nil {
			return err
		}
		f.numbers.adopt(elems, want)
	}
	f.adopted = true
	return nil
}

func (n *numbers) adopt(elems map[elem]string, want portal.Desired) {
	byChain := make(map[string]uint32, len(elems))
	for k, chain := range elems {
		x := binary.BigEndian.Uint32([]byte(k.first))
		byChain[chain] = x
		n.next = max(n.next, x) // numbers of chains that are not wanted any more are not used again by this process
	}
	for id := range want.Signatures {
		if x, there := byChain[sigChain(id)]; there && x != quarantined {
			n.by[id] = x
		}
	}
}

// nextGeneration makes every flow be looked at again. Zero is the mark of flows that nobody has admitted.
func (f *Filter) nextGeneration() {
	if f.generation++; f.generation == 0 {
		f.generation = 1
	}
}

func (f *Filter) writeGeneration() error {
	f.conn.FlushChain(f.chain(chainAdmitted))
	f.conn.FlushChain(f.chain(chainAdmit))
	if err := f.addRules(chainAdmitted, admittedRules(f.generation)); err != nil {
		return err
	}
	return f.addRules(chainAdmit, admitRules(f.generation))
}

// Close lets go of the connection to the kernel. The table stays and goes on filtering.
func (f *Filter) Close() { f.drop() }

// Cleanup deletes the table. One that is not there is no error.
func Cleanup(table string) error {
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	tables, err := conn.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	if !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == table }) {
		return nil
	}
	conn.DelTable(&nftables.Table{Name: table, Family: nftables.TableFamilyINet})
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("delete table %s: %w", table, err)
	}
	return nil
}
