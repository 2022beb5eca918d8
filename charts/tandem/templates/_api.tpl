{{/* What the Deployments that run the api's image share: api, outbox, and whoever comes next to them (Channels workers). */}}

{{/* include "tandem.apiContainer" (list $ "name" (list "python" "-m" ...)): a container; without a command, the image's own */}}
{{- define "tandem.apiContainer" -}}
{{- $ := index . 0 -}}
- name: {{ index . 1 }}
  image: {{ include "tandem.image" (list $ $.Values.api.image) }}
  {{- include "tandem.container" $ | nindent 2 }}
  {{- with index . 2 }}
  command:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  env:
    {{- include "tandem.apiEnv" $ | nindent 4 }}
  {{- with $.Values.api.envFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    {{- include "tandem.apiMounts" $ | nindent 4 }}
{{- end }}

{{/* Wait until the migrate Job is done; with SQLite there is no Job, the pod that has the file migrates it. */}}
{{- define "tandem.migrations" -}}
{{- if .Values.sqlite.enabled -}}
{{ include "tandem.apiContainer" (list . "migrate" (list "python" "-m" "api" "migrate" "--noinput")) }}
{{- else -}}
{{ include "tandem.apiContainer" (list . "wait-for-migrations" (list "sh" "-c" (include "tandem.waitScript" "migrate --check"))) }}
{{- end }}
  resources:
    {{- toYaml .Values.migrate.resources | nindent 4 }}
{{- end }}

{{/* Repeat a management command until it succeeds, printing only the last line of what it says: a reason, not a traceback. */}}
{{- define "tandem.waitScript" -}}
until said=$(python -m api {{ . }} 2>&1); do
  echo "waiting: $(echo "$said" | tail -n 1)"
  sleep 2
done
{{ end }}

{{- define "tandem.apiMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.sqlite.enabled }}
- name: data
  mountPath: /data
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
{{- end }}

{{/* The outbox's worker; a second container of the pod that has the file when the database is SQLite. */}}
{{- define "tandem.outboxContainer" -}}
{{ include "tandem.apiContainer" (list . "outbox" (list "python" "-m" "api" "outbox")) }}
  resources:
    {{- toYaml .Values.outbox.resources | nindent 4 }}
{{- end }}
