{{/* The pod of the migrate Job. */}}
{{- define "tandem.migratePod" -}}
{{- $spec := include "tandem.migrateSpec" . -}}
{{- include "tandem.template" (dict "root" . "component" "migrate" "spec" $spec "given" (list .Values.api.pod .Values.migrate.pod)) -}}
{{- end }}

{{- define "tandem.migrateSpec" -}}
restartPolicy: OnFailure
serviceAccountName: {{ include "tandem.fullname" . }}-api
{{ include "tandem.pod" (list . 10001) }}
{{- with .Values.api.initContainers }}
initContainers:
  {{- include "tandem.guests" . | nindent 2 }}
{{- end }}
containers:
  {{- include "tandem.migration" . | nindent 2 }}
volumes:
  {{- include "tandem.apiVolumes" . | nindent 2 }}
{{- end }}
