{{/* Certificates of the CAs of external stores. */}}

{{- define "tandem.redisCA" -}}
{{- if not .Values.redis.enabled }}{{ .Values.redis.external.caSecret }}{{ end -}}
{{- end }}

{{/* Our own certificate for an external Redis. */}}
{{- define "tandem.redisClient" -}}
{{- if not .Values.redis.enabled }}{{ .Values.redis.external.clientSecret }}{{ end -}}
{{- end }}

{{- define "tandem.postgresqlCA" -}}
{{- if not (or .Values.postgresql.enabled .Values.sqlite.enabled) }}{{ .Values.postgresql.external.caSecret }}{{ end -}}
{{- end }}

{{/* Our own certificate for an external database. */}}
{{- define "tandem.postgresqlClient" -}}
{{- if not (or .Values.postgresql.enabled .Values.sqlite.enabled) }}{{ .Values.postgresql.external.clientSecret }}{{ end -}}
{{- end }}

{{/* Mounts and volumes, each list item on a line of its own; nothing without such a CA. */}}
{{- define "tandem.redisCAMount" -}}
{{- if include "tandem.redisCA" . }}
- name: redis-ca
  mountPath: /etc/tandem/redis-ca
  readOnly: true
{{- end }}
{{- if include "tandem.redisClient" . }}
- name: redis-client
  mountPath: /etc/tandem/redis-client
  readOnly: true
{{- end }}
{{- end }}

{{- define "tandem.caMounts" -}}
{{- include "tandem.redisCAMount" . }}
{{- if include "tandem.postgresqlCA" . }}
- name: postgresql-ca
  mountPath: /etc/tandem/postgresql-ca
  readOnly: true
{{- end }}
{{- if include "tandem.postgresqlClient" . }}
- name: postgresql-client
  mountPath: /etc/tandem/postgresql-client
  readOnly: true
{{- end }}
{{- end }}

{{- define "tandem.redisCAVolume" -}}
{{- with include "tandem.redisCA" . }}
- name: redis-ca
  secret:
    secretName: {{ . }}
    items: [{key: {{ $.Values.redis.external.caKey }}, path: ca.crt}]
{{- end }}
{{- with include "tandem.redisClient" . }}
- name: redis-client
  secret:
    secretName: {{ . }}
{{- end }}
{{- end }}

{{- define "tandem.caVolumes" -}}
{{- include "tandem.redisCAVolume" . }}
{{- with include "tandem.postgresqlCA" . }}
- name: postgresql-ca
  secret:
    secretName: {{ . }}
    items: [{key: {{ $.Values.postgresql.external.caKey }}, path: ca.crt}]
{{- end }}
{{- with include "tandem.postgresqlClient" . }}
- name: postgresql-client
  secret:
    secretName: {{ . }}
    defaultMode: 0440 # libpq refuses a key that everybody may read
{{- end }}
{{- end }}
