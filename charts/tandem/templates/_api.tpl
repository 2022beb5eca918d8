{{/* What the pods that run the api's image share: api, outbox, migrate, and the workers of the values. */}}

{{/*
include "tandem.apiContainer" (dict "root" $ "name" "api" "command" list "args" list "env" dict): a container; without command
and arguments it is what the image says.
*/}}
{{- define "tandem.apiContainer" -}}
{{- $ := .root -}}
- name: {{ .name }}
  image: {{ include "tandem.image" (list $ $.Values.api.image) }}
  {{- include "tandem.container" $ | nindent 2 }}
  {{- with .command }}
  command:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .args }}
  args:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  env:
    {{- include "tandem.apiEnv" (list $ (.env | default dict)) | nindent 4 }}
  {{- with $.Values.api.envFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    {{- include "tandem.apiMounts" $ | nindent 4 }}
{{- end }}

{{/* Before the others: what the user brings, then the schema. With SQLite the pod that has the file migrates it. */}}
{{- define "tandem.apiInitContainers" -}}
initContainers:
  {{- include "tandem.guests" .Values.api.initContainers | nindent 2 }}
  {{- if .Values.sqlite.enabled }}
  {{- include "tandem.migration" . | nindent 2 }}
  {{- else }}
  {{- $script := include "tandem.repeat" (list . "until every migration is applied" (concat .Values.api.manage (list "migrate" "--check"))) }}
  {{- include "tandem.apiContainer" (dict "root" . "name" "wait-for-migrations" "command" (list "sh" "-c" $script)) | nindent 2 }}
    resources:
      {{- toYaml .Values.migrate.resources | nindent 6 }}
  {{- end }}
{{- end }}

{{/* A container that migrates, as often as it takes: the database may not be there yet, or another pod be at it. */}}
{{- define "tandem.migration" -}}
{{- $own := or .Values.migrate.command .Values.migrate.args -}}
{{- $words := ternary .Values.migrate.command (concat .Values.api.manage (list "migrate" "--noinput")) (not (not $own)) -}}
{{- if or .Values.migrate.args (not $words) -}}
{{ include "tandem.apiContainer" (dict "root" . "name" "migrate" "command" .Values.migrate.command "args" .Values.migrate.args) }}
{{- else -}}
{{- $script := include "tandem.repeat" (list . "to migrate" $words) -}}
{{ include "tandem.apiContainer" (dict "root" . "name" "migrate" "command" (list "sh" "-c" $script)) }}
{{- end }}
  resources:
    {{- toYaml .Values.migrate.resources | nindent 4 }}
{{- end }}

{{/* Repeat a command until it succeeds. Until then say what is waited for, with its last line: a reason, not a traceback. */}}
{{- define "tandem.repeat" -}}
{{- $words := list -}}
{{- range index . 2 }}{{ $words = append $words (printf "'%s'" (replace "'" "'\\''" .)) }}{{ end -}}
until said=$({{ join " " $words }} 2>&1); do
  echo "waiting {{ index . 1 }}: $(echo "${said:-not yet}" | tail -n 1)"
  sleep 2
done
echo "$said"
{{ end }}

{{- define "tandem.apiMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.sqlite.enabled }}
- name: data
  mountPath: /data
{{- end }}
{{- include "tandem.caMounts" . }}
{{- with .Values.api.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tandem.apiVolumes" -}}
- name: tmp
  emptyDir: {}
{{- if .Values.sqlite.enabled }}
- name: data
  {{- if .Values.sqlite.persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ include "tandem.fullname" . }}-sqlite
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
{{- include "tandem.caVolumes" . }}
{{- with .Values.api.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The worker; a second container of the pod that has the file when the database is SQLite. */}}
{{- define "tandem.outboxContainer" -}}
{{- $command := .Values.outbox.command -}}
{{- $probe := .Values.outbox.livenessProbe -}}
{{- if not (or $command .Values.outbox.args) -}}
{{- $command = concat .Values.api.manage (list "runworker" "tandem" "--probe-port=8002") -}}
{{- $ours := dict "httpGet" (dict "path" "/healthz" "port" 8002) "initialDelaySeconds" 30 "timeoutSeconds" 5 "failureThreshold" 6 -}}
{{- $probe = $probe | default $ours -}}
{{- end -}}
{{ include "tandem.apiContainer" (dict "root" . "name" "outbox" "command" $command "args" .Values.outbox.args) }}
  {{- with $probe }}
  livenessProbe:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  resources:
    {{- toYaml .Values.outbox.resources | nindent 4 }}
{{- end }}

{{/* Beside a PostgreSQL whose data goes with its pod: when the tables went, make them again. */}}
{{- define "tandem.schemaKeeper" -}}
{{- $script := .Files.Get "files/keep-schema.py" -}}
{{ include "tandem.apiContainer" (dict "root" . "name" "keep-schema" "command" (concat .Values.api.manage (list "shell" "-c" $script))) }}
  resources:
    {{- toYaml .Values.outbox.resources | nindent 4 }}
{{- end }}

{{- define "tandem.loseableSQL" -}}
{{- if and .Values.postgresql.enabled (not .Values.postgresql.persistence.enabled) }}yes{{ end -}}
{{- end }}

{{- define "tandem.apiSpec" -}}
serviceAccountName: {{ include "tandem.fullname" . }}-api
{{ include "tandem.pod" (list . 10001) }}
{{ include "tandem.spread" (list . "api") }}
terminationGracePeriodSeconds: 45 # preStop, then gunicorn's 30 s for requests under way
{{ include "tandem.apiInitContainers" . }}
containers:
  {{- include "tandem.apiContainer" (dict "root" . "name" "api" "command" .Values.api.command "args" .Values.api.args) | nindent 2 }}
    ports:
      - {name: http, containerPort: {{ .Values.api.port }}, protocol: TCP}
      {{- with .Values.api.metricsPort }}
      - {name: metrics, containerPort: {{ . }}, protocol: TCP}
      {{- end }}
    lifecycle:
      preStop:
        sleep: {seconds: 5} # every edge has forgotten the pod by then
    startupProbe:
      {{- include "tandem.ask" .Values.api.probes.liveness | nindent 6 }}
      periodSeconds: 2
      failureThreshold: 60
    livenessProbe:
      {{- include "tandem.ask" .Values.api.probes.liveness | nindent 6 }}
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      {{- include "tandem.ask" .Values.api.probes.readiness | nindent 6 }}
      periodSeconds: 5
      timeoutSeconds: 5
      failureThreshold: 2
    resources:
      {{- toYaml .Values.api.resources | nindent 6 }}
  {{- if and .Values.sqlite.enabled .Values.outbox.enabled }}
  {{- include "tandem.outboxContainer" . | nindent 2 }}
  {{- end }}
  {{- include "tandem.guests" .Values.api.sidecars | nindent 2 }}
volumes:
  {{- include "tandem.apiVolumes" . | nindent 2 }}
{{- end }}

{{/* How a probe asks: a path, or, without one, for the port alone. */}}
{{- define "tandem.ask" -}}
{{- if . -}}
httpGet: {path: {{ . | quote }}, port: http}
{{- else -}}
tcpSocket: {port: http}
{{- end }}
{{- end }}

{{/* Where the database can lose its tables, this pod makes them again: it does not wait for a Job that ran long ago. */}}
{{- define "tandem.outboxSpec" -}}
serviceAccountName: {{ include "tandem.fullname" . }}-api
{{ include "tandem.pod" (list . 10001) }}
{{- $keeps := and (include "tandem.loseableSQL" .) .Values.migrate.enabled }}
{{- if $keeps }}
initContainers:
  {{- include "tandem.guests" .Values.api.initContainers | nindent 2 }}
  {{- include "tandem.migration" . | nindent 2 }}
{{- else }}
{{ include "tandem.apiInitContainers" . }}
{{- end }}
containers:
  {{- include "tandem.outboxContainer" . | nindent 2 }}
  {{- if $keeps }}
  {{- include "tandem.schemaKeeper" . | nindent 2 }}
  {{- end }}
volumes:
  {{- include "tandem.apiVolumes" . | nindent 2 }}
{{- end }}

{{/* A worker of the values. */}}
{{- define "tandem.workerSpec" -}}
{{- $ := .root -}}
{{- $worker := .worker -}}
serviceAccountName: {{ include "tandem.fullname" $ }}-api
{{ include "tandem.pod" (list $ 10001) }}
{{ include "tandem.apiInitContainers" $ }}
containers:
  {{- include "tandem.apiContainer" (dict "root" $ "name" $worker.name "command" $worker.command "args" $worker.args "env" $worker.env) | nindent 2 }}
    {{- with $worker.livenessProbe }}
    livenessProbe:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $worker.readinessProbe }}
    readinessProbe:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    resources:
      {{- $worker.resources | default $.Values.api.resources | toYaml | nindent 6 }}
volumes:
  {{- include "tandem.apiVolumes" $ | nindent 2 }}
{{- end }}
