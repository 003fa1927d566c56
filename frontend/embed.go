// Package frontend holds the built web app, so that the portal serves it from its own binary.
//
// `npm run build` writes it to dist/, which is not kept in version control. The pattern below also matches dist-missing/, so that the Go
// side builds and its tests run before anybody has built the web app; then the one page of dist-missing says what to do.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist*
var files embed.FS

// App returns the built web app, and whether it is the real one. Its root has index.html.
func App() (app fs.FS, built bool) {
	if _, err := fs.Stat(files, "dist/index.html"); err == nil {
		return sub("dist"), true
	}
	return sub("dist-missing"), false
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic("frontend: " + err.Error()) // only a malformed path, and ours are constant
	}
	return f
}
