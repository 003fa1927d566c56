package peers

import "github.com/sallyport/sallyport/portal"

// What callers may see, beside the sentinels of package portal.
var (
	ErrKeyTaken    = &portal.Error{Kind: portal.Conflict, Code: "public_key_taken", Msg: "This public key is in use. Make a new key pair."}
	ErrDeviceName  = &portal.Error{Kind: portal.Conflict, Code: "device_name_taken", Msg: "You have a device of this name. Choose another name."}
	ErrDeviceLimit = &portal.Error{Kind: portal.Exhausted, Code: "device_limit", Msg: "You have as many devices as this profile allows. Revoke one first."}
	ErrNoRegion    = &portal.Error{Kind: portal.Conflict, Code: "no_region", Msg: "No region serves this profile yet."}
	ErrNoGateway   = &portal.Error{Kind: portal.Unavailable, Code: "no_gateway", Msg: "No gateway in this region takes clients now. Choose another region or try again later."}
	ErrInUse       = &portal.Error{Kind: portal.Conflict, Code: "in_use", Msg: "Something else still uses this."}
	ErrGroupKept   = &portal.Error{Kind: portal.Conflict, Code: "group_kept_elsewhere", Msg: "A directory or claims at sign-in name this group. Change it there."}
	ErrPoolOverlap = &portal.Error{Kind: portal.Conflict, Code: "pool_overlap", Msg: "These addresses overlap with another pool."}
	ErrRuleSize    = &portal.Error{Kind: portal.Exhausted, Code: "rule_too_large", Msg: "The resources of one rule together have more than 20,000 combinations of prefix and port range. Split the rule."}
	ErrProtocol    = &portal.Error{Kind: portal.Conflict, Code: "wrong_protocol", Msg: "This device connects by another protocol."}
	ErrNotOffered  = &portal.Error{Kind: portal.Conflict, Code: "protocol_not_offered", Msg: "The profile of this device does not offer this way to connect."}
	ErrNoOpenVPN   = &portal.Error{Kind: portal.Unavailable, Code: "no_openvpn", Msg: "No gateway serves OpenVPN for this profile now."}
	ErrNoPool      = &portal.Error{Kind: portal.Conflict, Code: "no_pool", Msg: "There is no address pool yet. Add one first."}
)
