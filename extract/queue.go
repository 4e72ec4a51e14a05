package extract

import "sync"

// A task is a directory to fill, or entries of one that is being filled.
type task struct {
	path  string // of the directory in the tree; "." is the root
	mode  uint32 // permissions that it was made with
	batch *batch // if not nil, the entries
}

// queue holds the tasks of the workers. What came last is done first, so that it stays
// small.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	tasks   []task
	open    int // tasks that were added and are not done
	batches int // among tasks
	waiting int // workers
	ended   bool
}

func newQueue() *queue {
	q := &queue{}
	q.changed.L = &q.mu
	return q
}

func (q *queue) add(t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.push(t)
}

func (q *queue) push(t task) {
	q.tasks = append(q.tasks, t)
	q.open++
	if t.batch != nil {
		q.batches++
	}
	if q.waiting > 0 {
		q.changed.Signal()
	}
}

// offer adds a batch if somebody waits for work. Whoever fills a directory otherwise
// makes its entries himself.
func (q *queue) offer(b *batch) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting <= q.batches || q.ended {
		return false
	}
	q.push(task{batch: b})
	return true
}

// take returns the next task; ok is false when there will be none. The caller calls
// done.
func (q *queue) take() (t task, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.tasks) == 0 && q.open > 0 && !q.ended {
		q.waiting++
		q.changed.Wait()
		q.waiting--
	}
	if len(q.tasks) == 0 || q.ended {
		return task{}, false
	}
	t = q.tasks[len(q.tasks)-1]
	q.tasks[len(q.tasks)-1] = task{}
	q.tasks = q.tasks[:len(q.tasks)-1]
	if t.batch != nil {
		q.batches--
	}
	return t, true
}

func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open--; q.open == 0 {
		q.changed.Broadcast()
	}
}

// rest are the batches that nobody has taken, of a queue that no worker uses any more.
func (q *queue) rest() []*batch {
	var rest []*batch
	for _, t := range q.tasks {
		if t.batch != nil {
			rest = append(rest, t.batch)
		}
	}
	return rest
}

// end makes take return nothing any more.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.changed.Broadcast()
}
