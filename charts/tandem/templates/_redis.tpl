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

{{/* What Tandem may do there, and no more: what docs/reference.md of django-tandem lists. */}}
{{- define "tandem.redisRights" -}}
{{- $names := "~tandem:* resetchannels &asgi* &tandem" -}}
{{- with .Values.redis.prefix }}{{ $names = printf "~%s* resetchannels &%s*" . . }}{{ end -}}
{{ $names }} +@all -@dangerous +info +config|get
{{- end }}

{{/* The pod of Redis. */}}
{{- define "tandem.redisSpec" -}}
{{ include "tandem.pod" (list . 10001) }}
{{ include "tandem.spread" (list . "redis") }}
containers:
  - name: redis
    image: {{ .Values.redis.image }}
    {{- include "tandem.container" . | nindent 4 }}
    # The password comes on standard input: neither an argument nor a file. Pods of 0.1 are the default user, and their
    # scripts name a key without a name (the `~` alone) where they need none.
    command:
      - sh
      - -c
      - |
        exec redis-server /etc/redis/redis.conf - <<CONFIG
        user default on >$REDISCLI_AUTH ~ {{ include "tandem.redisRights" . }}
        user tandem on >$REDISCLI_AUTH {{ include "tandem.redisRights" . }}
        CONFIG
    env:
      - name: REDISCLI_AUTH # what redis-cli reads too
        valueFrom:
          secretKeyRef:
            name: {{ include "tandem.secret" . }}
            key: {{ .Values.secrets.keys.redisPassword }}
    ports:
      - {name: redis, containerPort: 6379, protocol: TCP}
    startupProbe:
      exec:
        command: [sh, -c, "redis-cli --user tandem ping | grep -q PONG"]
      periodSeconds: 2
      timeoutSeconds: 5
      failureThreshold: 150 # reading a long append-only file
    livenessProbe:
      exec:
        command: [sh, -c, "redis-cli --user tandem ping | grep -qE 'PONG|LOADING|BUSY'"]
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      exec:
        command: [sh, -c, "redis-cli --user tandem ping | grep -q PONG"]
      periodSeconds: 5
      timeoutSeconds: 5
    resources:
      {{- toYaml .Values.redis.resources | nindent 6 }}
    volumeMounts:
      - name: config
        mountPath: /etc/redis
        readOnly: true
      - name: data
        mountPath: /data
      - name: tmp
        mountPath: /tmp
  {{- if .Values.redis.exporter.enabled }}
  - name: exporter
    image: {{ .Values.redis.exporter.image }}
    {{- include "tandem.container" . | nindent 4 }}
    env:
      - name: REDIS_ADDR
        value: redis://localhost:6379
      - name: REDIS_USER
        value: tandem
      - name: REDIS_PASSWORD
        valueFrom:
          secretKeyRef:
            name: {{ include "tandem.secret" . }}
            key: {{ .Values.secrets.keys.redisPassword }}
    ports:
      - {name: metrics, containerPort: 9121, protocol: TCP}
    readinessProbe:
      httpGet: {path: /health, port: metrics}
    livenessProbe:
      httpGet: {path: /health, port: metrics}
    resources:
      {{- toYaml .Values.redis.exporter.resources | nindent 6 }}
  {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "tandem.fullname" . }}-redis
  - name: tmp
    emptyDir: {}
  {{- if not .Values.redis.persistence.enabled }}
  - name: data
    emptyDir: {}
  {{- end }}
{{- end }}
