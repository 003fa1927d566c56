package firewall

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// tagType marks the user data of our rules. Types above those of nft(8) are left alone by it.
const (
	tagType        = userdata.Type(0xc5)
	generationType = userdata.Type(0xc6) // on the one rule of the admitting chain
)

// tag is a short hash of what a rule says. A rule that somebody else wrote has none, or another.
func (r rule) tag() (string, error) {
	h := sha256.New()
	for _, e := range r {
		b, err := expr.Marshal(byte(nftables.TableFamilyINet), e)
		if err != nil {
			return "", fmt.Errorf("encode a rule: %w", err)
		}
		h.Write(b)
	}
	return string(h.Sum(nil)[:8]), nil
}

// listing is what the kernel holds of the table.
type listing struct {
	there  bool
	chains map[string]*hook    // nil: no hook
	sound  map[string]bool     // base chains have the policy that we give them
	tags   map[string][]string // by chain, in order
	sets   map[string]*nftables.Set

	generation uint32 // 0: not known
}

func (f *Filter) list() (listing, error) {
	l := listing{chains: map[string]*hook{}, sound: map[string]bool{}, tags: map[string][]string{}, sets: map[string]*nftables.Set{}}
	tables, err := f.conn.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return l, fmt.Errorf("list tables: %w", err)
	}
	for _, t := range tables {
		l.there = l.there || t.Name == f.Table
		if t.Name == f.Table && t.Flags != 0 {
			return l, nil // dormant: as good as not there
		}
	}
	if !l.there {
		return l, nil
	}
	chains, err := f.conn.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return l, fmt.Errorf("list chains: %w", err)
	}
	for _, c := range chains {
		if c.Table.Name != f.Table {
			continue
		}
		var h *hook
		if c.Hooknum != nil && c.Priority != nil {
			h = &hook{c.Type, *c.Hooknum, *c.Priority}
		}
		l.chains[c.Name] = h
		l.sound[c.Name] = h == nil || c.Policy != nil && *c.Policy == nftables.ChainPolicyAccept
	}
	sets, err := f.conn.GetSets(f.table())
	if err != nil {
		return l, fmt.Errorf("list sets: %w", err)
	}
	for _, s := range sets {
		if s.KeyType.GetNFTMagic() == nftables.TypeVerdict.GetNFTMagic() {
			s.KeyType, s.DataType = nftables.TypeClassID, nftables.TypeVerdict // the library (v0.3.0) puts a verdict map's data type there
		}
		l.sets[s.Name] = s
	}
	err = f.listRules(func(chain string, data []byte) {
		l.tags[chain] = append(l.tags[chain], string(userdata.Get(data, tagType)))
		if g, ok := userdata.GetUint32(data, generationType); ok && chain == chainAdmit {
			l.generation = g
		}
	})
	return l, err
}

// listRules dumps the rules of the table in one go; the library asks chain by chain and decodes everything.
func (f *Filter) listRules(each func(chain string, data []byte)) error {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return fmt.Errorf("list rules: %w", err)
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	table, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: unix.NFTA_RULE_TABLE, Data: []byte(f.Table + "\x00")}})
	if err != nil {
		return fmt.Errorf("list rules: %w", err)
	}
	head := []byte{byte(nftables.TableFamilyINet), unix.NFNETLINK_V0, 0, 0} // struct nfgenmsg
	replies, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETRULE, Flags: netlink.Request | netlink.Dump},
		Data:   append(head, table...),
	})
	if err != nil {
		return fmt.Errorf("list rules: %w", err)
	}
	for _, m := range replies {
		if len(m.Data) < len(head) {
			continue
		}
		attrs, err := netlink.UnmarshalAttributes(m.Data[len(head):])
		if err != nil {
			return fmt.Errorf("list rules: %w", err)
		}
		var inTable, chain string
		var data []byte
		for _, a := range attrs {
			switch a.Type {
			case unix.NFTA_RULE_TABLE:
				inTable = text(a.Data)
			case unix.NFTA_RULE_CHAIN:
				chain = text(a.Data)
			case unix.NFTA_RULE_USERDATA:
				data = a.Data
			}
		}
		if inTable == f.Table {
			each(chain, data)
		}
	}
	return nil
}

// elements reads a set of the kernel in the form of the model.
func (f *Filter) elements(s *nftables.Set) (map[elem]string, error) {
	got, err := f.conn.GetSetElements(s)
	if err != nil {
		return nil, fmt.Errorf("list set %s: %w", s.Name, err)
	}
	out := make(map[elem]string, len(got))
	for _, e := range got {
		value := string(e.Val)
		if isVerdict(s) {
			if value, err = decodeVerdict(e.Val); err != nil {
				return nil, fmt.Errorf("list set %s: %w", s.Name, err)
			}
		}
		out[elem{string(e.Key), string(e.KeyEnd)}] = value
	}
	return out, nil
}

// A verdict's value in the model is the chain that it goes to, or dropValue.
const dropValue = "drop\x00"

func gotoValue(chain string) string { return chain }

func decodeVerdict(b []byte) (string, error) {
	attrs, err := netlink.UnmarshalAttributes(b)
	if err != nil {
		return "", err
	}
	var kind int32
	var chain string
	for _, a := range attrs {
		switch {
		case a.Type == unix.NFTA_VERDICT_CODE && len(a.Data) == 4:
			kind = int32(binary.BigEndian.Uint32(a.Data)) // negative codes are jumps
		case a.Type == unix.NFTA_VERDICT_CHAIN:
			chain = text(a.Data)
		}
	}
	switch expr.VerdictKind(kind) {
	case expr.VerdictGoto:
		return chain, nil
	case expr.VerdictDrop:
		return dropValue, nil
	default:
		return "\x00foreign", nil // we write no other
	}
}

func (s shape) element(k elem, value string) nftables.SetElement {
	e := nftables.SetElement{Key: []byte(k.first)}
	switch {
	case s == numberVerdict && value == dropValue:
		e.VerdictData = &expr.Verdict{Kind: expr.VerdictDrop}
	case s == numberVerdict:
		e.VerdictData = &expr.Verdict{Kind: expr.VerdictGoto, Chain: value}
	case s == addrNumber4, s == addrNumber6:
		e.Val = []byte(value)
	default:
		e.KeyEnd = []byte(k.last)
	}
	return e
}

func numberKey(n uint32) elem { return elem{first: string(number(n))} }

func text(b []byte) string {
	if n := len(b); n > 0 && b[n-1] == 0 {
		b = b[:n-1]
	}
	return string(b)
}

// batch bounds how many elements one message names: an attribute has at most 64 KiB.
const batch = 500

func (f *Filter) addElements(s shape, name string, elems map[elem]string) error {
	return f.inBatches(s, name, elems, f.conn.SetAddElements)
}

func (f *Filter) deleteElements(s shape, name string, elems map[elem]string) error {
	return f.inBatches(s, name, elems, f.conn.SetDeleteElements)
}

func (f *Filter) inBatches(s shape, name string, elems map[elem]string, do func(*nftables.Set, []nftables.SetElement) error) error {
	if len(elems) == 0 {
		return nil
	}
	of := s.set(f.table(), name)
	list := make([]nftables.SetElement, 0, min(len(elems), batch))
	flush := func() error {
		if len(list) == 0 {
			return nil
		}
		err := do(of, list)
		list = list[:0]
		return err
	}
	keys := slices.Collect(maps.Keys(elems))
	if s >= intervals { // they are listed as they came; the others by value
		slices.SortFunc(keys, func(x, y elem) int { return cmp.Or(cmp.Compare(x.first, y.first), cmp.Compare(x.last, y.last)) })
	}
	for _, k := range keys {
		if list = append(list, s.element(k, elems[k])); len(list) == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (f *Filter) addRules(name string, rules []rule) error {
	for _, r := range rules {
		tag, err := r.tag()
		if err != nil {
			return err
		}
		data := userdata.Append(nil, tagType, []byte(tag))
		if name == chainAdmit {
			data = userdata.AppendUint32(data, generationType, f.generation)
		}
		f.conn.AddRule(&nftables.Rule{Table: f.table(), Chain: f.chain(name), Exprs: r, UserData: data})
	}
	return nil
}

func (f *Filter) addChain(name string, h *hook) {
	c := f.chain(name)
	if h != nil {
		accept := nftables.ChainPolicyAccept
		c.Type, c.Hooknum, c.Priority, c.Policy = h.kind, &h.num, &h.priority, &accept
	}
	f.conn.AddChain(c)
}

func (f *Filter) addSet(name string, s shape) error {
	return f.conn.AddSet(s.set(f.table(), name), nil)
}

func (f *Filter) table() *nftables.Table {
	return &nftables.Table{Name: f.Table, Family: nftables.TableFamilyINet}
}

func (f *Filter) chain(name string) *nftables.Chain {
	return &nftables.Chain{Name: name, Table: f.table()}
}

// open makes the netlink connection, with buffers for the largest batch: the kernel takes a batch in one message or not at all.
func (f *Filter) open() error {
	if f.conn != nil {
		return nil
	}
	const most = 64 << 20
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		return errors.Join(c.SetWriteBuffer(most), c.SetReadBuffer(most))
	}))
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	f.conn = conn
	return nil
}

// commit carries out what was gathered, all of it or nothing. After an error the connection may hold answers that nobody waits for.
func (f *Filter) commit() error {
	err := f.conn.Flush()
	if err != nil {
		f.drop()
		f.watch.lose()
		return err
	}
	f.watch.wrote()
	return nil
}

func (f *Filter) drop() {
	f.watch.close()
	if f.conn == nil {
		return
	}
	if err := f.conn.CloseLasting(); err != nil {
		f.Log.Warn("close the nftables connection", "err", err)
	}
	f.conn = nil
}

// sortedKeys gives a map a stable order, so that the same table is always made in the same way.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
