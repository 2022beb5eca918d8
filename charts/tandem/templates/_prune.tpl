{{/* The pod of the CronJob that prunes. */}}
{{- define "tandem.pruneSpec" -}}
{{- $command := .Values.prune.command -}}
{{- if not (or $command .Values.prune.args) -}}
{{- $command = concat .Values.api.manage (list "tandem" "prune") -}}
{{- end -}}
restartPolicy: OnFailure
serviceAccountName: {{ include "tandem.fullname" . }}-api
{{ include "tandem.pod" (list . 10001) }}
{{- with .Values.api.initContainers }}
initContainers:
  {{- include "tandem.guests" . | nindent 2 }}
{{- end }}
containers:
  {{- include "tandem.apiContainer" (dict "root" . "name" "prune" "command" $command "args" .Values.prune.args) | nindent 2 }}
    resources:
      {{- toYaml .Values.prune.resources | nindent 6 }}
volumes:
  {{- include "tandem.apiVolumes" . | nindent 2 }}
{{- end }}
