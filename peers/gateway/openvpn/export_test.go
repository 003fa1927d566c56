package openvpn

// Pids are the processes that run, by transport.
func (s *Server) Pids() map[string]int {
	pids := map[string]int{}
	for _, t := range s.Transports {
		if p := s.running(t); p != nil {
			pids[t.Name] = p.Pid
		}
	}
	return pids
}
