{{- define "tandem.postgresqlEnv" -}}
env:
  - name: POSTGRES_USER
    value: tandem
  - name: POSTGRES_DB
    value: tandem
  - name: POSTGRES_PASSWORD
    valueFrom:
      secretKeyRef:
        name: {{ include "tandem.secret" . }}
        key: postgresql-password
  - name: PGDATA # below the mount point: a fresh volume may hold lost+found
    value: /var/lib/postgresql/data/pgdata
{{- end }}

{{- define "tandem.postgresqlMounts" -}}
- name: data
  mountPath: /var/lib/postgresql/data
- name: run
  mountPath: /var/run/postgresql
- name: tmp
  mountPath: /tmp
{{- end }}
