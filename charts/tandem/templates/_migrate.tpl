{{/* The pod of the migrate Job: wait for the database, then migrate. */}}
{{- define "tandem.migratePod" -}}
restartPolicy: OnFailure
serviceAccountName: {{ include "tandem.fullname" . }}-api
{{ include "tandem.pod" (list . 10001) }}
containers:
  {{- $script := printf "%sexec python -m api migrate --noinput\n" (include "tandem.waitScript" "migrate --plan") }}
  {{- include "tandem.apiContainer" (list . "migrate" (list "sh" "-c" $script)) | nindent 2 }}
    resources:
      {{- toYaml .Values.migrate.resources | nindent 6 }}
volumes:
  {{- include "tandem.apiVolumes" . | nindent 2 }}
{{- with .Values.api.pod }}
{{ toYaml . }}
{{- end }}
{{- end }}
