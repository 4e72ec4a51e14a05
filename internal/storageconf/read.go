package storageconf

// readConf decodes the file at path into cfg. A missing one is no error.
func (d *discovery) readConf(path string, cfg *fileConfig) (found bool, err error) {
	data, err := d.readFile(path)
	if missing(err) {
		d.note(KindFile, path, StateMissing, "")
		return false, nil
	}
	if err != nil {
		return false, d.fileError(path, err)
	}
	return true, d.decode(path, data, cfg)
}

// mustReadConf is readConf for a file that source names and that must exist.
func (d *discovery) mustReadConf(source, path string, cfg *fileConfig) error {
	data, err := d.readFile(path)
	if err != nil {
		e := &SourceError{Source: source, Value: path, Err: cause(err)}
		d.note(KindFile, path, StateError, "%v", e)
		return e
	}
	return d.decode(path, data, cfg)
}

// readFile reads each file once for both sets of rules.
func (d *discovery) readFile(path string) ([]byte, error) {
	r, ok := d.files[path]
	if !ok {
		r.data, r.err = d.req.FS.ReadFile(path)
		d.files[path] = r
	}
	return r.data, r.err
}
