// Package house holds the tests of what stands around the code: that the documents name what the code has.
package house
