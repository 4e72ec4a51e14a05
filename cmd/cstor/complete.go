package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
)

// completeImage offers names and ids of stored images for the first argument.
// It reads the lists only, and says nothing about errors: a shell is waiting.
func (a *app) completeImage() cobra.CompletionFunc {
	return a.complete(1, func(s *cstor.Storage, typed string) (all []cobra.Completion) {
		for i, err := range s.Images() {
			if err != nil {
				return all
			}
			for _, name := range i.Names() {
				all = append(all, cobra.CompletionWithDesc(name, short(i.ID())))
				// Also without what lookup adds, if that is how it was begun.
				bare := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, "localhost/"), "docker.io/"), "library/")
				if bare != name {
					all = append(all, cobra.CompletionWithDesc(bare, short(i.ID())))
				}
			}
			if typed != "" || len(i.Names()) == 0 {
				all = append(all, cobra.CompletionWithDesc(short(i.ID()), i.String()))
			}
		}
		return all
	})
}

// completeLayer offers ids of layers.
func (a *app) completeLayer(n int) cobra.CompletionFunc {
	return a.complete(n, func(s *cstor.Storage, typed string) (all []cobra.Completion) {
		for l, err := range s.Layers() {
			if err != nil {
				return all
			}
			id := l.ID()
			if len(typed) <= 12 {
				id = short(id)
			}
			all = append(all, cobra.CompletionWithDesc(id, size(l.DiffSize())))
		}
		return all
	})
}

// completeContainer offers names and ids of containers.
func (a *app) completeContainer(n int) cobra.CompletionFunc {
	return a.complete(n, func(s *cstor.Storage, typed string) (all []cobra.Completion) {
		for c, err := range s.Containers() {
			if err != nil {
				return all
			}
			for _, name := range c.Names() {
				all = append(all, cobra.CompletionWithDesc(name, short(c.ID())))
			}
			if typed == "" && len(c.Names()) > 0 {
				continue
			}
			id := c.ID()
			if len(typed) <= 12 {
				id = short(id)
			}
			all = append(all, cobra.CompletionWithDesc(id, c.String()))
		}
		return all
	})
}

func (a *app) complete(n int, offer func(s *cstor.Storage, typed string) []cobra.Completion) cobra.CompletionFunc {
	return func(cmd *cobra.Command, have []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(have) >= n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		s, err := a.find(cmd)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer s.Close()
		var fit []cobra.Completion
		for _, c := range offer(s, typed) {
			if strings.HasPrefix(c, typed) {
				fit = append(fit, c)
			}
		}
		return fit, cobra.ShellCompDirectiveNoFileComp
	}
}
