# Prints what NetworkManager makes of a WireGuard file: the importer of libnm (since 1.40), which nmcli and the applets use. No daemon needed.
import ctypes
import sys


class GError(ctypes.Structure):
    _fields_ = [("domain", ctypes.c_uint32), ("code", ctypes.c_int), ("message", ctypes.c_char_p)]


nm = ctypes.CDLL("libnm.so.0")
nm.nm_conn_wireguard_import.restype = ctypes.c_void_p
nm.nm_conn_wireguard_import.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.POINTER(GError))]
nm.nm_connection_dump.argtypes = [ctypes.c_void_p]

problem = ctypes.POINTER(GError)()
connection = nm.nm_conn_wireguard_import(sys.argv[1].encode(), ctypes.byref(problem))
if not connection:
    sys.exit(problem.contents.message.decode())
nm.nm_connection_dump(connection)
