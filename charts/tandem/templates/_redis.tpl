{{/*
Recovery is honest only if Redis kept everything or nothing: no persistence at all, or an fsync at every write. Out of
memory, a publish fails as a whole; nothing is evicted from a stream in silence.
*/}}
{{- define "tandem.redisConfig" -}}
dir /data
port 6379
save ""
{{- if .Values.redis.persistence.enabled }}
appendonly yes
appendfsync always
{{- else }}
appendonly no
{{- end }}
maxmemory {{ include "tandem.redisMaxmemory" . }}
maxmemory-policy noeviction
tcp-keepalive 60
{{- end }}

{{/* Bytes. What is left of the limit is for sockets, fragments and, with persistence, the copy that a rewrite makes. */}}
{{- define "tandem.redisMaxmemory" -}}
{{- $limit := .Values.redis.resources.limits.memory | toString -}}
{{- $unit := index (dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824) (regexFind "..$" $limit) -}}
{{- div (mul (regexFind "^[0-9]+" $limit | int64) $unit (ternary 50 70 .Values.redis.persistence.enabled)) 100 -}}
{{- end }}
