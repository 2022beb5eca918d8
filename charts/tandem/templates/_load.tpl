{{/* The pod of the load Job: each of its completions is one shard of the clients. */}}
{{- define "tandem.loadPod" -}}
restartPolicy: Never
{{ include "tandem.pod" (list . 10001) }}
containers:
  - name: load
    image: {{ include "tandem.image" (list . .Values.api.image) }}
    {{- include "tandem.container" . | nindent 4 }}
    command:
      {{- concat (list "python" "-m" "loadgen") (.Values.load.args | default (list "verify" "--clients=500" "--duration=60")) | toYaml | nindent 6 }}
    env:
      {{- include "tandem.apiEnv" . | nindent 6 }}
      - name: LOADGEN_URL
        value: ws://{{ include "tandem.wsService" . }}/ws/
      - name: LOADGEN_SHARDS
        value: {{ .Values.load.parallelism | quote }}
    resources:
      {{- toYaml .Values.load.resources | nindent 6 }}
    volumeMounts:
      - name: tmp
        mountPath: /tmp
volumes:
  - name: tmp
    emptyDir: {}
{{- end }}
