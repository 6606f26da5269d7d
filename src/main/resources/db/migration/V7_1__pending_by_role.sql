-- A worker takes new instances of all roles alike: it finds the oldest of each without reading the others'.
CREATE INDEX idx_instances_pending ON df.instances (submitted_by, created_at, id) WHERE status = 'pending';
